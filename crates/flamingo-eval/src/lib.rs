//! Few-shot evaluations, a file each, and their report.
