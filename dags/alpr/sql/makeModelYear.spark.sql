SELECT id AS makeModelYear_id, frame_id, get(plate.car.makeModelYear, 0).model AS model,
    get(plate.car.makeModelYear, 0).make AS make, get(plate.car.makeModelYear, 0).year AS year,
    get(plate.car.makeModelYear, 0).confidence AS Confidence, createDateTime, plateIndex, sourceId, sourceFile
FROM plates
ORDER BY createDateTime, sourceId, frame_id, plateIndex
