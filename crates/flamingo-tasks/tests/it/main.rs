//! Files in the official forms, made here, through the public API.
