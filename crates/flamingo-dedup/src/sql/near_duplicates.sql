-- Pages that are similar enough to an earlier page. A signature is a set of values that tell their position, so that
-- the size of the intersection of two is the number of positions in which they agree.
SELECT pairs.document, min(pairs.earlier) AS kept
FROM pairs
JOIN signatures later ON later.document = pairs.document
JOIN signatures earlier ON earlier.document = pairs.earlier
WHERE cardinality(array_intersect(later.signature, earlier.signature)) >= $agreeing
GROUP BY pairs.document
