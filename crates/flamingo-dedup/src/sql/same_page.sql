-- Pages that say and show the same as an earlier page. A page that says and shows nothing is like no other.
WITH told AS (
    SELECT pages.document, pages.text_hash
    FROM pages
    LEFT ANTI JOIN same_url ON same_url.document = pages.document
    WHERE pages.refused IS NULL AND cardinality(pages.paragraphs) + cardinality(pages.images) > 0 AND $page
),
firsts AS (
    SELECT document, first_value(document) OVER (PARTITION BY text_hash ORDER BY document) AS kept
    FROM told
)
SELECT document, kept FROM firsts WHERE kept < document
