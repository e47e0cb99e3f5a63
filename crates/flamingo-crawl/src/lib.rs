//! Answers of web servers: from WARC files, folders of pages and lists of URLs.
