-- The answer for each URL that is shown, and how many pages show that URL, those bytes, that look. A page counts
-- once.
WITH shown AS (
    SELECT DISTINCT document, url_key FROM placed
),
looked AS (
    SELECT shown.document, answers.sha256, answers.perceptual
    FROM shown
    JOIN answers ON answers.url_key = shown.url_key
),
urls AS (
    SELECT url_key, count(*) AS documents FROM shown GROUP BY url_key
),
contents AS (
    SELECT sha256, count(DISTINCT document) AS documents FROM looked WHERE sha256 IS NOT NULL GROUP BY sha256
),
looks AS (
    SELECT perceptual, count(DISTINCT document) AS documents FROM looked WHERE perceptual IS NOT NULL GROUP BY perceptual
)
SELECT urls.url_key,
       coalesce(answers.url, urls.url_key) AS url,
       coalesce(answers.status, 'missing') AS status,
       answers.sha256, answers.perceptual, answers.width, answers.height,
       coalesce(answers.bytes, 0) AS bytes,
       answers.format, answers.single_colour,
       coalesce(answers.file, '') AS file,
       coalesce(answers."offset", 0) AS "offset",
       coalesce(answers.length, 0) AS length,
       urls.documents AS url_documents,
       coalesce(contents.documents, 0) AS content_documents,
       coalesce(looks.documents, 0) AS perceptual_documents
FROM urls
LEFT JOIN answers ON answers.url_key = urls.url_key
LEFT JOIN contents ON contents.sha256 = answers.sha256
LEFT JOIN looks ON looks.perceptual = answers.perceptual
