/// What runs on Spark: a program of pyspark, which `spark-submit` is given with a plan.
enum SparkDriver {
    /// Exit status of a mistake in SQL, which another try would not mend.
    static let wrongSQL: Int32 = 98

    static let program = #"""
        """Runs SQL of Weir on Spark, over the files of one day: a folder of Parquet for each dataset."""
        import json
        import sys

        from pyspark.errors import AnalysisException, ParseException
        from pyspark.sql import SparkSession


        def main():
            with open(sys.argv[1]) as file:
                plan = json.load(file)
            spark = SparkSession.builder.getOrCreate()
            context = spark.sparkContext
            print(f"spark: {context.applicationId} at {context.master}, {context.uiWebUrl or 'no page'}", flush=True)
            spark.sql("DECLARE OR REPLACE VARIABLE ds STRING DEFAULT '" + plan["ds"] + "'")
            if plan["schema"]:
                # A record that does not fit is an error: the loader has let in only what fits.
                rows = spark.read.option("mode", "FAILFAST").schema(plan["schema"]).json(plan["inputs"])
            else:
                rows = spark.read.parquet(*plan["inputs"])
            rows.createOrReplaceTempView(plan["view"])
            for part in plan["parts"]:
                try:
                    frame = spark.sql(part["sql"])
                    if part["folder"]:
                        frame.coalesce(plan["files"]).write.option("compression", "zstd").parquet(part["folder"])
                        print("spark: " + part["file"] + " is written", flush=True)
                except Exception as error:
                    words = " | ".join(line.strip() for line in str(error).splitlines()[:4] if line.strip())
                    with open(plan["problem"], "w") as file:
                        file.write(part["file"] + ": " + words)
                    sys.exit(98 if isinstance(error, (AnalysisException, ParseException)) else 1)
            spark.stop()


        main()

        """#
}
