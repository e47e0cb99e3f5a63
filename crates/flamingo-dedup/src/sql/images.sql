-- The picture of each image of a page that stays.
SELECT placed.document, placed.position, placed.choice, pictures.*
FROM placed
JOIN pictures ON pictures.url_key = placed.url_key
ORDER BY document, position
