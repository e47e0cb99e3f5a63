-- Paragraphs that several of the pages that stay have in one domain.
WITH said AS (
    SELECT pages.domain, unnest(array_distinct(pages.paragraphs)) AS paragraph
    FROM pages
    LEFT ANTI JOIN links ON links.document = pages.document
    WHERE pages.refused IS NULL AND pages.domain <> '' AND $paragraph_documents > 0
)
SELECT domain, paragraph, count(*) AS documents
FROM said
GROUP BY domain, paragraph
HAVING count(*) >= $paragraph_documents
ORDER BY domain, paragraph
