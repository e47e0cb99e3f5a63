-- Each page that goes, why, and the earlier page that it is like, which may go itself.
SELECT document, kept, 'same_url' AS reason FROM same_url
UNION ALL
SELECT document, kept, 'same_page' AS reason FROM same_page
UNION ALL
SELECT document, kept, 'near_duplicate' AS reason FROM near_duplicates
