-- Every candidate of every class list, with its rank from 0; in no order, since there are many.
SELECT frame_id, createDateTime, sourceId, sourceFile, plateIndex, inline(concat(
    coalesce(transform(plate.car.bodyStyle, (x, i) -> named_struct('class', 'bodyStyle', 'rank', i, 'klass', x.klass,
        'name', x.name, 'code', cast(NULL AS STRING), 'state', cast(NULL AS STRING), 'make', cast(NULL AS STRING),
        'model', cast(NULL AS STRING), 'year', cast(NULL AS STRING), 'confidence', x.confidence)), array()),
    coalesce(transform(plate.car.color, (x, i) -> named_struct('class', 'color', 'rank', i, 'klass', x.klass,
        'name', x.name, 'code', cast(NULL AS STRING), 'state', cast(NULL AS STRING), 'make', cast(NULL AS STRING),
        'model', cast(NULL AS STRING), 'year', cast(NULL AS STRING), 'confidence', x.confidence)), array()),
    coalesce(transform(plate.country, (x, i) -> named_struct('class', 'country', 'rank', i, 'klass', x.klass,
        'name', x.name, 'code', x.code, 'state', x.state, 'make', cast(NULL AS STRING),
        'model', cast(NULL AS STRING), 'year', cast(NULL AS STRING), 'confidence', x.confidence)), array()),
    coalesce(transform(plate.car.makeModelYear, (x, i) -> named_struct('class', 'makeModelYear', 'rank', i, 'klass', x.klass,
        'name', cast(NULL AS STRING), 'code', cast(NULL AS STRING), 'state', cast(NULL AS STRING), 'make', x.make,
        'model', x.model, 'year', x.year, 'confidence', x.confidence)), array())))
FROM plates
