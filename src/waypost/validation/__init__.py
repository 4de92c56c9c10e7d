"""Schemas made of annotations, once at start-up: what a request must look like, and what a response may hold."""

from __future__ import annotations

from waypost.errors import Issue, ValidationFailed
from waypost.validation.schema import Schema, SchemaError, schema_of

__all__ = ["Issue", "Schema", "SchemaError", "ValidationFailed", "schema_of"]
