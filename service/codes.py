"""All error codes and their statuses. Programs rely on them, so they never change."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True)
class Code:
    """An HTTP status, and what the code means."""

    status: int
    meaning: str


CODES: Mapping[str, Code] = {
    "bad_request": Code(400, "The request is not valid HTTP, or its form is malformed."),
    "no_key": Code(401, "This service requires a key, and the request has no valid one."),
    "admins_only": Code(403, "This requires an admin key."),
    "other_site": Code(403, "The page of another site sent this request."),
    "not_found": Code(404, "Nothing exists at this address."),
    "photo_not_found": Code(404, "No photo has this id."),
    "folder_not_found": Code(404, "The library has no such photo folder."),
    "no_file_manager": Code(404, "No file manager can be opened where the service runs."),
    "picture_not_found": Code(404, "No picture with this id is kept any more."),
    "method_not_allowed": Code(405, "This address does not support the method."),
    "body_timeout": Code(408, "The upload took too long."),
    "already_running": Code(409, "An index job is already running."),
    "photo_gone": Code(410, "The photo was deleted or moved after it was indexed."),
    "photo_changed": Code(410, "The photo's file has changed, and no thumbnail of the old version is left."),
    "content_too_large": Code(413, "The request is too large."),
    "unsupported_media_type": Code(415, "The body is neither a UTF-8 form nor a picture."),
    "range_not_satisfiable": Code(416, "The requested range lies outside the file."),
    "misdirected_request": Code(421, "The service does not answer to this host name."),
    "invalid_request": Code(422, "A field is unknown, repeated, or out of range; `detail` names it."),
    "folder_refused": Code(422, "The folder cannot be listed or added; `detail` says why."),
    "empty_query": Code(422, "The query is empty, or its parts cancel each other out."),
    "no_sketch": Code(422, "The drawing is empty, or is not a file."),
    "no_photo": Code(422, "The photo is empty, or is not a file."),
    "bad_image": Code(422, "The file is not a picture that can be used."),
    "empty_drawing": Code(422, "The drawing has no lines."),
    "no_text_tower": Code(422, "The model does not support text."),
    "no_local_parts": Code(422, "The model has no local parts, with which to explain."),
    "client_gone": Code(499, "The client disconnected; appears only in logs and metrics."),
    "encoding_failed": Code(500, "The model failed on this input."),
    "photo_unshowable": Code(500, "The photo cannot be displayed."),
    "photo_cut": Code(500, "The file was truncated while it was being sent; the connection is closed."),
    "internal_error": Code(500, "Something went wrong; see the service's log."),
    "busy": Code(503, "The service is overloaded; `Retry-After` says when to try again."),
    "no_memory": Code(503, "Not enough memory right now."),
    "device_problem": Code(503, "The GPU that runs the model or holds the index failed."),
    "store_unavailable": Code(503, "The server that holds the library does not answer, or is loading it."),
    "index_unwritable": Code(503, "The index folder cannot be written; `detail` says why."),
    "index_damaged": Code(503, "The index was damaged on disk; searches are refused until it is fixed."),
    "mark_not_stored": Code(503, "The mark could not be stored: check the disk of the index."),
    "photo_unreadable": Code(503, "The photo cannot be read: check its drive and permissions."),
    "deadline": Code(504, "The search took too long."),
    "no_room": Code(507, "There is no room to keep the picture: the disk is full, or the limit too small."),
}

# Python renamed some statuses in 3.13, as RFC 9110 did; 499 is not registered.
_TITLES = {
    413: "Content Too Large",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
    499: "Client Closed Request",
}


def title(status: int) -> str:
    """The name of a status, the same with every version of Python."""
    return _TITLES.get(status) or HTTPStatus(status).phrase
