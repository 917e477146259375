"""Reads each dataset of a lake with Spark, as plain Parquet in Hive's partitions, and writes what it found for others to compare.

Usage: .tools/spark/bin/python scripts/spark-reader.py LAKESTORAGE OUT DATASET…; the Parquet of dataset NAME goes to OUT/NAME.
"""
import os
import sys

os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")

from pyspark.sql import SparkSession  # noqa: E402


def main():
    lake, out, *datasets = sys.argv[1:]
    spark = (
        SparkSession.builder.master("local[2]").appName("lake")
        .config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC")
        .config("spark.driver.host", "127.0.0.1").config("spark.sql.shuffle.partitions", "2")
        # Days stay texts, as the names of the folders are.
        .config("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
        .config("spark.sql.warehouse.dir", f"{out}/warehouse").getOrCreate())
    spark.sparkContext.setLogLevel("ERROR")
    for name in datasets:
        spark.read.parquet(f"{lake}/{name}").coalesce(1).write.parquet(f"{out}/{name}")
    spark.stop()


if __name__ == "__main__":
    main()
