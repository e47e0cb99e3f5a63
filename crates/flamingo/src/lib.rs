//! Flamingo: few-shot image, video and text understanding, in one program.
