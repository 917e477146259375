SELECT id AS color_id, frame_id, get(plate.car.color, 0).name AS Name, get(plate.car.color, 0).confidence AS Confidence,
    createDateTime, plateIndex, sourceId, sourceFile
FROM plates
ORDER BY createDateTime, sourceId, frame_id, plateIndex
