"""Reading documents: the bytes of a file become passages that can be searched and cited."""
