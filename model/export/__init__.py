"""Writing a model folder, and turning torch weights into an OpenVINO graph."""
