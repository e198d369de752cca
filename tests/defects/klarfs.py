"""KLARF 1.8 texts, written from the shape that published files have."""

from __future__ import annotations

COLUMNS = ("DEFECTID", "XREL", "YREL", "XINDEX", "YINDEX", "XSIZE", "YSIZE", "DSIZE", "CLASSNUMBER")


def klarf(
    rows: list[tuple[int, ...]],
    *,
    pitch: tuple[int, int] = (20_000_000, 30_000_000),
    centre: tuple[int, int] = (10_000_000, 15_000_000),
    wafer: str = "W01",
    extra: str = "",
    columns: tuple[str, ...] = COLUMNS,
) -> str:
    """A file with one wafer; lengths in nanometres, one row of ``columns`` for each defect."""
    names = ", ".join(f"int32 {name}" for name in columns)
    lines = "\n".join(
        f'          {" ".join(map(str, row))} Images 1 {{ "a b.jpg" "JPG" 1 "Patch" }} ;'
        if k % 2
        else f"          {' '.join(map(str, row))}\n            N ;"
        for k, row in enumerate(rows)
    )
    return f"""Record FileRecord  "1.8"
{{
  Record LotRecord "LOT.1"
  {{
    Record WaferRecord "{wafer}"
    {{
      Field DieOrigin 2 {{0, 0}}
      Field SampleCenterLocation 2 {{{centre[0]}, {centre[1]}}}
      Field OrientationInstructions 1 {{""}}
{extra}
      List DefectList
      {{
        Columns {len(columns) + 1} {{ {names}, ImageList IMAGEINFO }}
        Data {len(rows)}
        {{
{lines}
        }}
      }}
      Record SummaryRecord
      {{
        List TestSummaryList
        {{
          Columns 2 {{ int32 TESTNO, float DEFDENSITY }}
          Data 1
          {{
            1 1.7e-02 ;
          }}
        }}
      }}
    }}
    Field DiePitch 2 {{{pitch[0]}, {pitch[1]}}}
    Field SampleSize 2 {{300000000, 0}}
  }}
  Field FileTimestamp 2 {{"12-08-2025", "04:57:03"}}
}}
EndOfFile;
"""
