// Made from the API's OpenAPI document by tests/unit/api/test_ui_types.py; change the schemas, not this file.

/** What the schema asks of one place of a launch. `reason` is what the API says of a text that misses `pattern`. */
export interface Rule {
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  maxItems?: number;
  maxProperties?: number;
  pattern?: string;
  reason?: string;
}

/** By place in a launch: `[]` is each entry of a list, `{}` each value of a map. */
export const RULES: Readonly<Record<string, Rule>> = {
  "args": {
    "maxItems": 256
  },
  "args[]": {
    "pattern": "^[^\\x00]*$"
  },
  "command": {
    "maxItems": 256
  },
  "command[]": {
    "pattern": "^[^\\x00]*$"
  },
  "env": {
    "maxProperties": 256
  },
  "env{}": {
    "pattern": "^[^\\x00]*$"
  },
  "env{}.value": {
    "pattern": "^[^\\x00]*$"
  },
  "expose": {
    "maxItems": 16
  },
  "expose[].port": {
    "minimum": 1,
    "maximum": 65535
  },
  "exposure.domain": {
    "pattern": "^(?:(?=.{1,189}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)$",
    "reason": "not a DNS name like apps.example.com"
  },
  "image": {
    "minLength": 1,
    "maxLength": 512,
    "pattern": "^(?:(?:(?:[^/@]*[.:][^/@]*|localhost)/)?[a-z0-9]+(?:(?:\\.|_{1,2}|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\\.|_{1,2}|-+)[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,})?)$",
    "reason": "not an image reference like registry/repository:tag"
  },
  "labels": {
    "maxProperties": 64
  },
  "name": {
    "maxLength": 253
  },
  "notes": {
    "maxLength": 4096
  },
  "presetsRef": {
    "maxLength": 253
  },
  "resources.cpu": {
    "pattern": "^(?:(?=.*[1-9])[0-9]+(\\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi)?)$",
    "reason": "not an amount above zero like 500m, 2 or 1Gi"
  },
  "resources.memory": {
    "pattern": "^(?:(?=.*[1-9])[0-9]+(\\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi)?)$",
    "reason": "not an amount above zero like 500m, 2 or 1Gi"
  },
  "storage.size": {
    "pattern": "^(?:(?=.*[1-9])[0-9]+(\\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi)?)$",
    "reason": "not an amount above zero like 500m, 2 or 1Gi"
  }
};
