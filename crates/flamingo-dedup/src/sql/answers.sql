-- The best answer for each URL: a picture, else a redirect that leads nowhere, else the reason why there is none; of
-- equals the first.
WITH ranked AS (
    SELECT *,
           row_number() OVER (
               PARTITION BY url_key
               ORDER BY CASE WHEN redirect IS NOT NULL THEN 1 WHEN status = 'ok' THEN 0 ELSE 2 END, file, "offset", url
           ) AS place
    FROM images
    WHERE redirect IS NULL OR redirect <> url_key
)
SELECT url_key, url, CASE WHEN redirect IS NULL THEN status ELSE 'too_many_redirects' END AS status, sha256, perceptual,
       width, height, bytes, format, single_colour, file, "offset", length
FROM ranked
WHERE place = 1
