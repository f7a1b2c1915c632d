"""Why a photo was found: a drawing and one photo compared part by part, as values and as pictures."""
