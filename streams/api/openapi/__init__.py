"""`/openapi.json` and `/docs`, made from the types that the routes themselves use."""
