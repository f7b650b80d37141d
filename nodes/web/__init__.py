"""The web: requests, interfaces described by OpenAPI, searches."""
