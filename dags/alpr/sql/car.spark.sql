SELECT id AS car_id, frame_id, get(plate.car.color, 0).name AS color, get(plate.car.bodyStyle, 0).name AS bodyStyle,
    plate.text AS plateText, get(plate.car.makeModelYear, 0).make AS make,
    -- Corners 0 and 2 of the vehicle's box: values 0, 1, 4 and 5.
    get(plate.car.warpedBox, 0) AS warpedBoxV1, get(plate.car.warpedBox, 1) AS warpedBoxV2,
    get(plate.car.warpedBox, 4) AS warpedBoxV3, get(plate.car.warpedBox, 5) AS warpedBoxV4,
    createDateTime, plateIndex, sourceId, sourceFile
FROM plates
ORDER BY createDateTime, sourceId, frame_id, plateIndex
