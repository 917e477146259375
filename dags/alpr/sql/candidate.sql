-- Every candidate of every class list, with its rank from 0; in no order, since there are many.
SELECT frame_id, "createDateTime", "sourceId", "sourceFile", "plateIndex", c.class AS "class", c.rank AS "rank",
    c.klass AS "klass", c.name AS "name", c.code AS "code", c.state AS "state", c.make AS "make", c.model AS "model",
    c.year AS "year", c.confidence AS "confidence"
FROM (
    SELECT frame_id, "createDateTime", "sourceId", "sourceFile", "plateIndex", unnest(list_concat(
        list_transform(plate.car."bodyStyle", lambda x, i: {'class': 'bodyStyle', 'rank': (i - 1)::INTEGER,
            'klass': x.klass, 'name': x.name, 'code': NULL::VARCHAR, 'state': NULL::VARCHAR, 'make': NULL::VARCHAR,
            'model': NULL::VARCHAR, 'year': NULL::VARCHAR, 'confidence': x.confidence}),
        list_transform(plate.car.color, lambda x, i: {'class': 'color', 'rank': (i - 1)::INTEGER,
            'klass': x.klass, 'name': x.name, 'code': NULL::VARCHAR, 'state': NULL::VARCHAR, 'make': NULL::VARCHAR,
            'model': NULL::VARCHAR, 'year': NULL::VARCHAR, 'confidence': x.confidence}),
        list_transform(plate.country, lambda x, i: {'class': 'country', 'rank': (i - 1)::INTEGER,
            'klass': x.klass, 'name': x.name, 'code': x.code, 'state': x.state, 'make': NULL::VARCHAR,
            'model': NULL::VARCHAR, 'year': NULL::VARCHAR, 'confidence': x.confidence}),
        list_transform(plate.car."makeModelYear", lambda x, i: {'class': 'makeModelYear', 'rank': (i - 1)::INTEGER,
            'klass': x.klass, 'name': NULL::VARCHAR, 'code': NULL::VARCHAR, 'state': NULL::VARCHAR, 'make': x.make,
            'model': x.model, 'year': x.year, 'confidence': x.confidence}))) AS c
    FROM plates
)
