"""What is being built."""

from fastapi import HTTPException


def unfinished() -> HTTPException:
    return HTTPException(501, "not built yet")
