-- Pages whose URL an earlier page has, redirects followed. A redirect to the front of a site says that the page is
-- gone, not where it went: of the keys only those of fronts end in a slash.
WITH addressed AS (
    SELECT pages.document, coalesce(moved.target, pages.url_key) AS address
    FROM pages
    LEFT JOIN (SELECT url_key, target FROM redirects WHERE target NOT LIKE '%/') moved ON moved.url_key = pages.url_key
    WHERE pages.refused IS NULL AND pages.url_key <> '' AND $url
),
firsts AS (
    SELECT document, first_value(document) OVER (PARTITION BY address ORDER BY document) AS kept
    FROM addressed
)
SELECT document, kept FROM firsts WHERE kept < document
