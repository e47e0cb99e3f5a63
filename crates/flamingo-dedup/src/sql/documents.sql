-- The pages that go.
SELECT document, reason, kept AS "of" FROM links ORDER BY document
