"""Write model folders, and convert torch weights to OpenVINO graphs."""
