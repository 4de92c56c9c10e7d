"""Fields that JSON has no form for, as a function: left out where the model leaves them out, else named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticOmit, SchemaError, SchemaValidator, ValidationError

from waypost.validation.pydantic_plan import nodes_below


class FieldWithoutSchema(Exception):
    """No JSON schema can be made of a field. field: pydantic's plan of it."""

    def __init__(self, field: Any, reason: str) -> None:
        super().__init__(reason)
        self._field = field

    def place(self, plan: Any) -> str:
        """As `Post.author`, from the core schema that the field is in; empty where it is not found."""
        for node in nodes_below(plan):
            fields = node.get("fields")
            pairs = fields.items() if isinstance(fields, dict) else ((item["name"], item) for item in fields or ())
            for name, item in pairs:
                if item is self._field:
                    owner = node.get("model_name") or node.get("dataclass_name") or node.get("cls_name")
                    return f"{owner}.{name}" if owner else name
        return ""


class JsonSchemaWriter(GenerateJsonSchema):
    """Leaves out a field that is never sent, may be missing and has no JSON schema. Raises FieldWithoutSchema."""

    def model_field_schema(self, schema: Any) -> JsonSchemaValue:
        return self._field(schema, super().model_field_schema)

    def dataclass_field_schema(self, schema: Any) -> JsonSchemaValue:
        return self._field(schema, super().dataclass_field_schema)

    def typed_dict_field_schema(self, schema: Any) -> JsonSchemaValue:
        return self._field(schema, super().typed_dict_field_schema)

    def default_schema(self, schema: Any) -> JsonSchemaValue:
        """Leaves a default out that its own type refuses, as `title: Title = ""`: no client may send it."""
        written = super().default_schema(schema)
        if "default" in written:
            try:
                SchemaValidator(schema["schema"]).validate_python(schema["default"])
            except ValidationError:
                del written["default"]
            except (SchemaError, KeyError):
                pass  # a type defined elsewhere in the model: as it is
        return written

    def _field(self, schema: Any, write: Callable[[Any], JsonSchemaValue]) -> JsonSchemaValue:
        try:
            return write(schema)
        except PydanticInvalidForJsonSchema as error:
            if schema.get("serialization_exclude") and schema["schema"]["type"] == "default":
                raise PydanticOmit from error
            raise FieldWithoutSchema(schema, str(error).partition("\n")[0]) from error
