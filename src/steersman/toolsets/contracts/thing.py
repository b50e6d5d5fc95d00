"""What contracts are made of; it lives in the domain, since real toolsets are made of it as well."""

from steersman.domain.thing import (
    AMOUNT,
    COUNT,
    FLAG,
    NAME,
    NUMBER,
    OBJECT,
    PERCENT,
    SECONDS,
    TEXT,
    WORDS,
    Thing,
    closed,
    reading,
)

__all__ = [
    "AMOUNT",
    "COUNT",
    "FLAG",
    "NAME",
    "NUMBER",
    "OBJECT",
    "PERCENT",
    "SECONDS",
    "TEXT",
    "WORDS",
    "Thing",
    "closed",
    "reading",
]
