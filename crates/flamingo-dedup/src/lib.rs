//! What repeats across a whole corpus: SQL over Parquet, in the process or on a cluster.
