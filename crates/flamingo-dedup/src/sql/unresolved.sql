-- How many links end at a page that goes itself.
SELECT count(*) AS links
FROM links
LEFT SEMI JOIN links gone ON gone.document = links.kept
