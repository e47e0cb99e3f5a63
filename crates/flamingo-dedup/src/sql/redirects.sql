-- Where a URL that redirects ends, after at most five steps. What goes on after them is a loop, or as bad as one, and
-- has no row.
SELECT one.url_key, coalesce(five.target, four.target, three.target, two.target, one.target) AS target
FROM hops one
LEFT JOIN hops two ON two.url_key = one.target
LEFT JOIN hops three ON three.url_key = two.target
LEFT JOIN hops four ON four.url_key = three.target
LEFT JOIN hops five ON five.url_key = four.target
LEFT JOIN hops six ON six.url_key = five.target
WHERE six.url_key IS NULL
