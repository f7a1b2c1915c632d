"""Every code that an error may bear, with its status: frozen, since programs rely on it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """The status that goes with a code, and what it means."""

    status: int
    meaning: str


CODES: Mapping[str, Code] = {
    "bad_request": Code(400, "The request is not well formed HTTP, or no form."),
    "no_key": Code(401, "The service asks for a key, and this request has none of its own."),
    "admins_only": Code(403, "This needs an admin key."),
    "not_found": Code(404, "There is nothing at this address."),
    "photo_not_found": Code(404, "No photo has this id."),
    "method_not_allowed": Code(405, "The address does not take this method."),
    "body_timeout": Code(408, "The pictures took too long to arrive."),
    "already_running": Code(409, "An index job is running already."),
    "photo_gone": Code(410, "The photo was deleted or moved since it was indexed."),
    "photo_changed": Code(410, "The photo's file changed, and no picture of the old one is left."),
    "content_too_large": Code(413, "The request is too large."),
    "unsupported_media_type": Code(415, "The body is neither a form in UTF-8 nor a picture."),
    "range_not_satisfiable": Code(416, "The photo has no such bytes."),
    "misdirected_request": Code(421, "The service does not answer under this name."),
    "invalid_request": Code(422, "A field is unknown, given twice, or out of range; `detail` names it."),
    "empty_query": Code(422, "Nothing is looked for, or the parts cancel one another out."),
    "no_sketch": Code(422, "The drawing has no bytes, or is no file."),
    "no_photo": Code(422, "The photo has no bytes, or is no file."),
    "bad_image": Code(422, "The bytes are no picture that can be used."),
    "empty_drawing": Code(422, "The drawing has no line in it."),
    "no_text_tower": Code(422, "The model reads no words."),
    "client_gone": Code(499, "The caller hung up; seen in logs and figures alone."),
    "encoding_failed": Code(500, "The model failed on this."),
    "photo_unshowable": Code(500, "No picture can be made of the photo."),
    "photo_cut": Code(500, "The photo became shorter while it was sent: the connection breaks."),
    "internal_error": Code(500, "Something went wrong; the service's log says what."),
    "busy": Code(503, "Too much to do; `Retry-After` says when to ask again."),
    "no_memory": Code(503, "There is not enough memory for this now."),
    "device_problem": Code(503, "The card that runs the model or the index fails."),
    "index_damaged": Code(503, "The index was damaged on disk; until it is mended, nothing is searched."),
    "photo_unreadable": Code(503, "The photo's drive or its permissions."),
    "deadline": Code(504, "The search took too long."),
}
