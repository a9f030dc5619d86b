"""YAML files to Projects, with every problem's file, line, column and remedy."""

from lupus.config.dump import dump
from lupus.config.edit import with_rule
from lupus.config.load import LoadedProject, load_project, load_projects
from lupus.config.schema import json_schema
from lupus.config.shared import load_routing

__all__ = ["LoadedProject", "dump", "json_schema", "load_project", "load_projects", "load_routing", "with_rule"]
