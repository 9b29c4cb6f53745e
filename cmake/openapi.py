"""Assembles the OpenAPI document from docs/openapi/*.json: openapi.py FOLDER OUTPUT VERSION.

`document.json` is the frame; every other file has `paths` and `schemas` of one resource. They are written in
OpenAPI 3.1 with these shorthands, which are spelled out here:

  an operation's "scope"       what its token must be allowed: becomes `security`; null: open to everybody
  "parameters": ["limit"]      a text names one of the frame's components.parameters
  "$ref": "Run"                a name without # is one of the schemas
  "optional": ["flag"]         every property of an object is required but these; of "anyOf" fields none is
  responses                    what is no success is a Problem. Which statuses there are follows from the scope, parameters
                               and body; "problems": [409] adds to these, "never": [422] takes away. What any operation
                               may be answered by (405, 413, 429, 500, 503) is `default`
"""

import json
import os
import re
import sys

METHODS = ("get", "post", "patch", "delete")


def spell_out(node):
    """The shorthands of schemas, in place."""
    if isinstance(node, list):
        for item in node:
            spell_out(item)
        return
    if not isinstance(node, dict):
        return
    reference = node.get("$ref")
    if isinstance(reference, str) and not reference.startswith("#"):
        node["$ref"] = "#/components/schemas/" + reference
    if isinstance(node.get("properties"), dict) and "properties" in node and "required" not in node:
        optional = node.pop("optional", [])
        for name in optional:
            if name not in node["properties"]:
                raise SystemExit("openapi: optional property %s is none" % name)
        node["required"] = [name for name in node["properties"] if name not in optional]
    for value in node.values():
        spell_out(value)


def name_of(method, path):
    """An operationId: get + /api/v1/runs/{id}/curve -> getRunsIdCurve."""
    kind = "" if path.startswith("/api/v1/") else "Service"
    return method + kind + "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", path)
                            if part not in ("api", "v1", ""))


def statuses(operation, scope):
    """The errors of an operation of its own."""
    content = operation.get("requestBody", {}).get("content", {})
    found = set(operation.pop("problems", []))
    if scope is not None:
        found |= {400, 401, 403}
    if any(item.get("$ref", "").startswith("#/components/parameters/") and item["$ref"].split("/")[-1] in ("id", "name")
           for item in operation.get("parameters", [])):
        found.add(404)
    if content:
        found |= {415, 422}
    return found - set(operation.pop("never", []))


def finish_operation(method, path, operation):
    """The shorthands of an operation, in place."""
    scope = operation.pop("scope")
    operation["operationId"] = name_of(method, path)
    operation["security"] = [] if scope is None else [{"token": [scope]}, {"session": [scope]}]
    named = re.findall(r"{(\w+)}", path)
    parameters = [name for name in named if name not in operation.get("ownParameters", [])]
    operation["parameters"] = [{"$ref": "#/components/parameters/" + item} if isinstance(item, str) else item
                               for item in parameters + operation.get("parameters", [])]
    if not operation["parameters"]:
        del operation["parameters"]
    for status in sorted(statuses(operation, scope)):
        operation["responses"][str(status)] = {"$ref": "#/components/responses/Problem"}
    operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}


def main(folder, output, version):
    """Write the document."""
    with open(os.path.join(folder, "document.json"), encoding="utf-8") as frame:
        document = json.load(frame)
    document["info"]["version"] = version
    for file in sorted(os.listdir(folder)):
        if file == "document.json" or not file.endswith(".json"):
            continue
        with open(os.path.join(folder, file), encoding="utf-8") as text:
            piece = json.load(text)
        for path, item in piece.get("paths", {}).items():
            known = document["paths"].setdefault(path, {})
            for method, operation in item.items():
                if method in known:
                    raise SystemExit("openapi: %s %s is described twice" % (method, path))
                finish_operation(method, path, operation)
                operation.setdefault("tags", [file[:-len(".json")]])
                known[method] = operation
        for name, schema in piece.get("schemas", {}).items():
            if name in document["components"]["schemas"]:
                raise SystemExit("openapi: the schema %s stands twice" % name)
            document["components"]["schemas"][name] = schema
    spell_out(document)
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    with open(output, "w", encoding="utf-8") as out:
        out.write(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
