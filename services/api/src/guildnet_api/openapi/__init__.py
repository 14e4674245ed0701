"""The OpenAPI document: what each operation takes and answers."""
