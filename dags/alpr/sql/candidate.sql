-- Every candidate of every class list, with its rank from 0.
WITH lists AS (
    SELECT frame_id, "createDateTime", "sourceId", "sourceFile", "plateIndex", 'bodyStyle' AS class,
        generate_subscripts(plate.car."bodyStyle", 1) - 1 AS rank,
        unnest(plate.car."bodyStyle").klass AS klass, unnest(plate.car."bodyStyle").name AS name,
        NULL AS code, NULL AS state, NULL AS make, NULL AS model, NULL AS year,
        unnest(plate.car."bodyStyle").confidence AS confidence
    FROM plates
    UNION ALL
    SELECT frame_id, "createDateTime", "sourceId", "sourceFile", "plateIndex", 'color',
        generate_subscripts(plate.car.color, 1) - 1, unnest(plate.car.color).klass, unnest(plate.car.color).name,
        NULL, NULL, NULL, NULL, NULL, unnest(plate.car.color).confidence
    FROM plates
    UNION ALL
    SELECT frame_id, "createDateTime", "sourceId", "sourceFile", "plateIndex", 'country',
        generate_subscripts(plate.country, 1) - 1, unnest(plate.country).klass, unnest(plate.country).name,
        unnest(plate.country).code, unnest(plate.country).state, NULL, NULL, NULL, unnest(plate.country).confidence
    FROM plates
    UNION ALL
    SELECT frame_id, "createDateTime", "sourceId", "sourceFile", "plateIndex", 'makeModelYear',
        generate_subscripts(plate.car."makeModelYear", 1) - 1, unnest(plate.car."makeModelYear").klass, NULL,
        NULL, NULL, unnest(plate.car."makeModelYear").make, unnest(plate.car."makeModelYear").model,
        unnest(plate.car."makeModelYear").year, unnest(plate.car."makeModelYear").confidence
    FROM plates
)
SELECT frame_id, "createDateTime", "sourceId", "sourceFile", "plateIndex", class AS "class", rank::INTEGER AS "rank",
    klass AS "klass", name AS "name", code AS "code", state AS "state", make AS "make", model AS "model", year AS "year",
    confidence AS "confidence"
FROM lists
ORDER BY "createDateTime", "sourceId", frame_id, "plateIndex", class, rank
