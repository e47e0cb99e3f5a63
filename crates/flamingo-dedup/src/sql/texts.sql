-- Texts that several images of the pages that stay have.
WITH said AS (
    SELECT unnest(pages.texts) AS "text"
    FROM pages
    LEFT ANTI JOIN links ON links.document = pages.document
    WHERE pages.refused IS NULL
)
SELECT "text", count(*) AS images
FROM said
GROUP BY "text"
HAVING count(*) > 1
ORDER BY "text"
