"""What another hand, another pen, another sheet or another photographer would have made of a picture."""
