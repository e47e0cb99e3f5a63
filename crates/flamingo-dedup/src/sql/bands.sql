-- The bands of pages that are neither of one URL nor equal.
SELECT pages.document, unnest(pages.bands) AS band
FROM pages
LEFT ANTI JOIN same_url ON same_url.document = pages.document
LEFT ANTI JOIN same_page ON same_page.document = pages.document
WHERE pages.refused IS NULL AND $near
