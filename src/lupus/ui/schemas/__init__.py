"""What goes over the wire: questions that are checked, answers that are documented."""
