-- The signatures that must be compared: those of a small part of all pages.
WITH asked AS (
    SELECT document FROM pairs
    UNION
    SELECT earlier AS document FROM pairs
)
SELECT pages.document, pages.signature
FROM pages
LEFT SEMI JOIN asked ON asked.document = pages.document
