-- One step of each URL that redirects elsewhere and was never seen as a picture itself.
SELECT url_key, min(redirect) AS target
FROM images
WHERE redirect IS NULL OR redirect <> url_key
GROUP BY url_key
HAVING min(redirect) IS NOT NULL
   AND count(*) FILTER (WHERE redirect IS NULL AND status = 'ok') = 0
