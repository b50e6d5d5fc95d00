"""Operations out of OpenAPI 3.1, 3.0 and 2.0 descriptions: compiled once, kept by hash, read one by one."""
