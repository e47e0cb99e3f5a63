-- For each image of a page that stays the URL to take: the first that is a picture, else the first with any answer,
-- else the first.
WITH listed AS (
    SELECT pages.document, unnest(pages.images) AS listing
    FROM pages
    LEFT ANTI JOIN links ON links.document = pages.document
    WHERE pages.refused IS NULL
),
named AS (
    SELECT document, listing['position'] AS position, listing['choice'] AS choice, listing['url_key'] AS url_key
    FROM listed
),
found AS (
    SELECT named.document, named.position, named.choice, coalesce(redirects.target, named.url_key) AS url_key
    FROM named
    LEFT JOIN redirects ON redirects.url_key = named.url_key
),
ranked AS (
    SELECT found.*,
           row_number() OVER (
               PARTITION BY found.document, found.position
               ORDER BY CASE WHEN answers.status = 'ok' THEN 0 WHEN answers.status IS NOT NULL THEN 1 ELSE 2 END, found.choice
           ) AS place
    FROM found
    LEFT JOIN answers ON answers.url_key = found.url_key
)
SELECT document, position, choice, url_key FROM ranked WHERE place = 1
