"""Teaches schemathesis the one kind of body it does not know: the bytes of a resumable upload."""

import schemathesis


@schemathesis.serializer("application/offset+octet-stream")
def offset_octet_stream(context, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
