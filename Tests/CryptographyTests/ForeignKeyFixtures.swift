// Written by Tests/Fixtures/foreign-keys.sh; do not edit.

/// A public key and its signature over “message”, both in base 64.
struct ForeignKeyFixture: Sendable {
  let key: String
  let signature: String

  static let p256 = ForeignKeyFixture(
    key: """
      MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEDq/SKjj0aX4Q227JI1Cl4coWd18PPyKctTWe55G2wSKcY2BKJN7KrFOjJq1TJPf+\
      Wa4+8RnR/ggQGyc66Ng21A==
      """,
    signature: """
      MEYCIQCK3VricrDD2VR6vGBJRdqYy6I7Y/dzVzKrRAAqd9z06QIhAJxheHX1uXGkDm58/6SNUTd+gqJBao7OS0wpTjJ9Aj8q
      """)
  static let p384 = ForeignKeyFixture(
    key: """
      MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE0WykHdYH+k4+HVdP0h44ayGZc3ySwDX9ZBk/b7r8DtXGpCr7XRTlMRgxeb34jV2Fbtps\
      cO39M8TKsTb5GPXJ0MpssOjPmAUqdefBjiO3Uu4IDQZBSjxV6+xz0LQx/dke
      """,
    signature: """
      MGQCMBQjx2DZy8KhVMW8HzqSG7hnb3tLnPGj/8ETPCNcFrREJLy7My3vjaudj9z473++6gIwA7yTBM7SQ4qRNhSTeR7CvQF1ObVw\
      NRTuZen2WHi0ykNedbs7Hu8HqG41sSFBEmqI
      """)
  static let p384SHA256 = ForeignKeyFixture(
    key: """
      MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE0WykHdYH+k4+HVdP0h44ayGZc3ySwDX9ZBk/b7r8DtXGpCr7XRTlMRgxeb34jV2Fbtps\
      cO39M8TKsTb5GPXJ0MpssOjPmAUqdefBjiO3Uu4IDQZBSjxV6+xz0LQx/dke
      """,
    signature: """
      MGUCMQDcl3+vt1VtTGbGM2S6PtnE8+eED6z8potr+XIYqSNT8LHlGpmfEHswcRvDn/fRMaYCMC8AjC2VtwftVhFDJXTJhfZWl9bo\
      xoTTJP+8FsBC4Ghu4itLV2VZ7IcRJKeYrqFpEw==
      """)
  static let rsaPKCS1 = ForeignKeyFixture(
    key: """
      MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAnvVY119KvglwMeXT78hxausVM391m+R5dzAUZxEerAgp+7l4Xs0dsC9/\
      JAipaBu67Y5f4OgWNz4UWYLj939glTsrPp8iqo0eAtmqxf6Wtrh4NCFynq4knfYJ47LAK0dVVw8Kcph28bdeHxeX9MzqublcqAPC\
      eue91IoKXZFuWVe90BRi7MigsCzT+OU1+ep1jMnRRUUNRyeueSa+Jq6wcLE8fliPE+z+EXe0/4c/rTPQ6RgzWSbRk8UoVf4svEGX\
      Drr8G1D77UQeTnQoS23ClKHjDge+Is/kZwlf/zLQkovywDTyy427GSTnhC77GHa+QvCxcCIe8xO4aiYEt+quUwIDAQAB
      """,
    signature: """
      djidIIMe/8gJRKVOs9kkwn7L5DW8SGwlIBBAE9nMNQJwpdOR9NK3sC22pxJkKZyhPRmK1YHaIhFgj0q8qyp15bQQ3boMgOrYzDbu\
      cASlJUlOZgQ/UmO79llkkyaFRxes0v/uFOklQ+wIYuEKHgBLYABdfgn+b7f7b3v6Wu7TEHkk5mbPh+PkgCX/XeqXU4ziuJwWhkit\
      iToTgQpZ6f0ykjnhdeuU83C2kjpQYiWutZzsqi9j1kiGKZ+X1K3S2GGZElIlVkl7F1niLOwzcIFSI5yh24AtYjE2tMHcc0su7ohB\
      IWweuW2QDkALudhRpasgoj2LR2k0x9f9h7dxPjbRww==
      """)
  static let rsaPSS = ForeignKeyFixture(
    key: """
      MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAnvVY119KvglwMeXT78hxausVM391m+R5dzAUZxEerAgp+7l4Xs0dsC9/\
      JAipaBu67Y5f4OgWNz4UWYLj939glTsrPp8iqo0eAtmqxf6Wtrh4NCFynq4knfYJ47LAK0dVVw8Kcph28bdeHxeX9MzqublcqAPC\
      eue91IoKXZFuWVe90BRi7MigsCzT+OU1+ep1jMnRRUUNRyeueSa+Jq6wcLE8fliPE+z+EXe0/4c/rTPQ6RgzWSbRk8UoVf4svEGX\
      Drr8G1D77UQeTnQoS23ClKHjDge+Is/kZwlf/zLQkovywDTyy427GSTnhC77GHa+QvCxcCIe8xO4aiYEt+quUwIDAQAB
      """,
    signature: """
      a/alw/xOcxe3FGi9XgLJvCYC6609dKnvFVCTTjFvVf5/7+KhxHDAdlAZyh5jHvEPcMKJU6kyHucAyYYa4e7pT+R4Z7jo/yVEl7iJ\
      W0fdYNEXIOA5W7gecYaOCeaCt6PAPo6KJQ5MFp4zrNa4OzX2sBeXUN56P8oCuZk6aN/kBKvQH4HQ8wh8IUuHnMK1MQKaK0hBGD4r\
      zYCxmwAQEQ7snvQplIhxbbC41uXojp8JdFveKuz2GIDKRCh/G5/OERVuZjC87joIQN08heKW0sCITvrm9rRMbKuU4dg2l5H+b5+T\
      YRuVyv8mfK33eyR8Po3xBo5mS/U8ACBzE0YcBe54gQ==
      """)
  static let rsaPSSShortSalt = ForeignKeyFixture(
    key: """
      MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAnvVY119KvglwMeXT78hxausVM391m+R5dzAUZxEerAgp+7l4Xs0dsC9/\
      JAipaBu67Y5f4OgWNz4UWYLj939glTsrPp8iqo0eAtmqxf6Wtrh4NCFynq4knfYJ47LAK0dVVw8Kcph28bdeHxeX9MzqublcqAPC\
      eue91IoKXZFuWVe90BRi7MigsCzT+OU1+ep1jMnRRUUNRyeueSa+Jq6wcLE8fliPE+z+EXe0/4c/rTPQ6RgzWSbRk8UoVf4svEGX\
      Drr8G1D77UQeTnQoS23ClKHjDge+Is/kZwlf/zLQkovywDTyy427GSTnhC77GHa+QvCxcCIe8xO4aiYEt+quUwIDAQAB
      """,
    signature: """
      Oo3/Kl9jp6e28PyLI+Z/QyHnSYYUYCoCtJtC+wPXJhUC3Y9s/jli8lQ9m4+2sSmC4p82zEefxWFvYA+PJ0x+Lq0Gp114yjRFlXCP\
      2d/UR2Bqq+5R+PYPuKEsMQjKWd0WqnLPcj3CFGZXjt2L7LVYCWiGvBYry6i6LjNOyxPF6PEgRY3r8i9z11PciS84erHybGyKrrSW\
      zZ66YFfeeJmKD0dxIGe+2kvwnxOB0IztyVoemlCs8SsVpJpaKEBi2mFLBF1rq6IYwVXW2cgQGuNKPMojqfAqaWJGlS8V6uKYtJPU\
      palzEXYFw/j5sb+gQJ7kA/uM068CAad9KnCn41B9AA==
      """)
  static let rsa1024 = ForeignKeyFixture(
    key: """
      MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDYG0uMvR5X4fZk2qIDUpfD4UPePTx45DW1pBfVfh6OUu9lJ2PdnPyhN8edSq2H\
      S4Shd9oCSwwWWUPA/aciYBbJrizniCQ5cCDWG7Qov0LRSM5xFQrbl+0U9DBQHS9Qp7k5IQBVBYRkVbR1KEWbNb1FFV0Id6qdS/T3\
      vSwiewlrKQIDAQAB
      """,
    signature: """
      jPT8s0d9SUpiORDV/VhGwXTzI1oYXQX3UafX8p3sB3L9ioQog8iM/ysIkimN13x1E9aBklkllFclqjNT+p5EMdabDFAeJ2/M651x\
      8KcjqOhfl/Gv3Y4WsQGul5SgX34mgew7Z8OUq+B3ZeG2o0jQjjpnZu2+4q2AU1/3Cm4H86Q=
      """)
  static let rsaExponent3 = ForeignKeyFixture(
    key: """
      MIIBIDANBgkqhkiG9w0BAQEFAAOCAQ0AMIIBCAKCAQEA7rTSi20GpNifczm3KqIK7BOt5kGAtQtLRX6PezHpYina1hYkCXz00kyh\
      gvj3XcNjKmi70TJgvNGJeWgDJEBaXRiiqxWGuHyEFnA9gRGCgEKGg0c3aAfI07kWXYtigKpQHf+AADVkTgWhFewpWKNreOcWaXAL\
      mzhiSQ2Yc+5qCCaDPTkoS/4y+oOjJWQ/BwfHgFR3oxpPqYPRZnCmRgSqEBRssG3Sg1fIBvzC25M3HviDhA0CLNHpbs1LAttldoYi\
      1BFvmHEukqLFo6UxRXqGAwoxBAHnNCKBojQGAQ0/WPptybCPQEXZP+mbGaAR0x5kx1PrVhi8aBKy7K8oonCnEQIBAw==
      """,
    signature: """
      TUplajzjuzfbcoWu8nETU+O7+zKxrATT+egxx7MwjuhcxaTkrXkR8uBdxQdRXXIBXOy5NkihIcFqgNYeZmNKQaGOBGL27SzWjyN2\
      jIWweLHlmiqpmGcL7rsIJi+Ip5IBlhs+TY8M+maDCfILuNLdmFPiSQevJzFQhTM8UQWyzW5myEKj8FTgnqWpNe6+w66kfo9x9Eag\
      7qfti0xJPPij3EGe3yBdl/cGeuzm0hzYsVHzPtYVnEv2P54Z1FZbYvhcAoDEsUyDRQ+hQIZ0vWrHF48hgwNX1L+NidcNcOQmcRJK\
      goDK7IQBKux5BKO7h0ny2Bim29m5/ovUwdZCb807TA==
      """)
  static let k256 = ForeignKeyFixture(
    key: """
      MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAE1XQClFkHfdruHIyrzCxTE5MWJDkMnbtB8iUJDxWwqZ1apx5JqaflYQW3eaBs3a1+M+CO\
      aoH+r6pzINACiJdZIw==
      """,
    signature: """
      MEYCIQD/78m7Q+oOPWPS5yx3fUQe/U1Sm8EPF13FD2q6WQFZ/wIhALnvQ/Z4SJOaeDckASaTw2E9HejdbIYgXiEGeqtrZ4XF
      """)
  static let explicitCurve = ForeignKeyFixture(
    key: """
      MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAAAAAAAAAAAAAA////////////////MFsEIP//\
      //8AAAABAAAAAAAAAAAAAAAA///////////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSdNgiG5wST\
      amZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBo\
      N79R9QIhAP////8AAAAA//////////+85vqtpxeehPO5ysL8YyVRAgEBA0IABAp9E09VBJn1Gkmh7nG9tvRPLf5zzDzwz7wRwh8T\
      ttpbT8AVH7TX0++5K7jBtN/gcNvIDEDE7EWIsF5fwIs9W/4=
      """,
    signature: """
      MEYCIQCEFwEJXQJQNh4JhK/kRtF+OT+V5x0acVMFxn9Z/hXw5wIhAJJn9+Z//G12/U4Udn0xOCt2dMfkYgGPDtnCs+tcnx+y
      """)
  static let compressedPoint = ForeignKeyFixture(
    key: """
      MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgACDq/SKjj0aX4Q227JI1Cl4coWd18PPyKctTWe55G2wSI=
      """,
    signature: """
      MEYCIQDUjDZCHEi9rdOEEfhX+oYtK4odgzQ9OAr849IjkAp40wIhALyDILwa5xMqP5f7lbTQ6L2mEM6HfHJRxAWE85ZaWB7r
      """)
}
