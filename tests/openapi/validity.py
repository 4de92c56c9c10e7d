"""The official validator of OpenAPI documents."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any


def validate(document: Mapping[str, Any]) -> None:
    """Raise an error for a document that is no OpenAPI 3.1."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the packages below the validator
        from openapi_spec_validator import OpenAPIV31SpecValidator

        OpenAPIV31SpecValidator(document).validate()
