-- Pages that may be near duplicates. In each bucket (pages with one band) a page is compared with the first four and
-- with the one before it: of up to five pages that is each with each, and the work grows with the pages, not with
-- their square.
WITH shared AS (
    SELECT band FROM bands GROUP BY band HAVING count(*) > 1
),
buckets AS (
    SELECT bands.band, bands.document
    FROM bands
    LEFT SEMI JOIN shared ON shared.band = bands.band
),
placed AS (
    SELECT document,
           first_value(document) OVER bucket AS first,
           nth_value(document, 2) OVER bucket AS second,
           nth_value(document, 3) OVER bucket AS third,
           nth_value(document, 4) OVER bucket AS fourth,
           lag(document) OVER bucket AS previous
    FROM buckets
    WINDOW bucket AS (PARTITION BY band ORDER BY document)
),
paired AS (
    SELECT document, unnest(make_array(first, second, third, fourth, previous)) AS earlier
    FROM placed
    WHERE first < document
)
SELECT DISTINCT document, earlier FROM paired WHERE earlier < document
