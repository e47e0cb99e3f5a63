-- Links of twice the length: repeated until all end at a page that stays. Links go to earlier pages only, so there is
-- no circle.
SELECT links.document, coalesce(gone.kept, links.kept) AS kept, links.reason
FROM links
LEFT JOIN links gone ON gone.document = links.kept
