"""The methods of `lupus.store.Store`, noun by noun. Every one is one transaction, and one line of the rows' modules."""
